"""Humanoid armatures of any family: the bones of SMPL's joints, and motion for these bones.

description   an armature as plain data, and its mapping
recognition   `recognise`: the mapping of SMPL's joints onto an armature's bones
body          the joints, by names, hierarchy and lengths together
families      kinds of rigs as data (families/*.toml), and presets of the user
names         meanings of the words in bone names (words.toml)
figure        the tree of bones in the world
sides         the side of the body of each bone
limbs         legs and arms, found by names
shape         legs and arms, found by hierarchy and lengths alone
trunk         pelvis to head in rigs whose parents follow the body
controls      trunk, collars and toes in control rigs, whose parents do not follow the body
fingers       the fingers of a hand
pose          facing and leg length of the figure; whether the rest pose is a T-pose or an A-pose
mapped_joints the bones of SMPL's joints in one armature, and their positions at rest
hand_frames   direction of a hand and of its thumb, from the bones of its fingers
rest_alignment  rotation of each joint's bone from any rest pose to the T-pose
relaxed_hand  rotations of fingers that hang a little bent
rig_body      a mapped armature as a body: proportions, turning bones, floor, scale
rig_feet      feet of a motion on a body of other proportions: flat, planted, on the floor
rig_resampling  a body's clip at the scene's frame rate, with standing feet held
rig_retarget  rotations of a body's joints for a motion
clip_retarget the same for a clip whose rotations are known
bone_channels the channels of pose bones for a clip of a body
pose_reading  a clip of a body from the poses that its bones show
bone_keys     few keys for these bones
ik_finding    IK controls in rigs of no known family, by their IK constraints
ik_controls   places of poles, and few keys of IK controls
euler_orders  quaternions to Euler angles in any of Blender's orders
"""
