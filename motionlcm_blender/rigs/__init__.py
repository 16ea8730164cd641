"""Any humanoid armature: what its bones are, which of them turn as SMPL's joints do.

description   an armature as plain data, and what was recognised in it
recognition   `recognise`: the mapping of SMPL's joints onto an armature's bones
body          the joints, by names, hierarchy and lengths together
families      kinds of rigs as data (families/*.toml); presets of the user's own
names         what the words in bone names mean (words.toml)
figure        the tree of bones in the world
sides         which side of the body each bone is on
limbs         legs and arms by names
shape         legs and arms without names
trunk         pelvis to head where bones hang from one another as parts of the body do
controls      the same in control rigs, where they do not
fingers       the fingers of a hand
pose          which way the figure faces, how long its legs are, T, A or no pose
mapped_joints the bones of SMPL's joints in one armature, and their positions at rest
hand_frames   the way a hand points and where its thumb is, from the bones of its fingers
rest_alignment  how each joint's bone turns from any rest pose to the T-pose
relaxed_hand  the turns of fingers that hang a little bent
rig_body      a mapped armature as a body: proportions, turning bones, floor, scale
rig_feet      feet of a motion on a body of other proportions: flat, planted, on the floor
rig_resampling  a body's clip at the scene's frame rate, with standing feet held
rig_retarget  the turns of a body's joints with which it performs a motion
clip_retarget the same for a clip whose rotations are known
bone_channels the channels of pose bones for a clip of a body
pose_reading  a clip of a body from the poses that its bones show
bone_keys     few keys for these bones
ik_controls   places of poles, and few keys of IK controls
euler_orders  quaternions to Euler angles in any of Blender's orders
"""
