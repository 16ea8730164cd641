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
"""
