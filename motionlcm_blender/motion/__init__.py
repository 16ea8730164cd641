"""Motion as arrays: skeleton, rotations, features, retargeting, paths, metrics.

banded_solver     Linear systems with symmetric banded matrices, for problems over the frames of a long
                  motion.
body_fit          Transfer of motion from any actor and capture system to the skeleton's proportions, trunk
                  included.
bvh               Export of clips as Biovision hierarchy (BVH) files, a text format that animation programs
                  read.
elbow_prior       Linear prediction of the bend axis of a nearly straight arm, fitted to motion capture.
euler_angles      Conversion between quaternions and XYZ Euler angles.
features          HumanML3D's 263 motion features, both ways (Guo et al., CVPR 2022; 20 fps, metres, Y up).
floor_support     Figures that hang in the air where nobody can: at the beginning or the end of a motion, for
                  longer than a jump lasts.
foot_contacts     Detection of foot contacts: the model's contact channels, checked against height and speed,
                  with hysteresis.
ground_layers     Choice of one surface per place where surfaces lie above each other: floor and ceiling, road
                  and bridge.
ground_path       Paths on the floor (drawn, loaded or named) and their timing: the position of the figure on
                  each frame.
head_hands        Rotations of head and hands relative to chest and forearms, which 22 joint positions cannot
                  express.
head_pose         World rotations of neck, head and hands, from the model's features or from a prediction for
                  models without them.
loop_search       Search for the section of a motion that loops best.
loops             Loops, and separation of a clip into its travel over the floor and the motion of the figure.
metrics           Quality measures of a motion: path error, foot skate, floor penetration, smoothness, self-
                  penetration.
motion            The two representations of motion: `Motion` (joint positions) and `Clip` (bone rotations).
path_shapes       Shapes of paths that prompts name: zigzags, squares, back and forth, around a corner.
path_timing       Timing along a path: easing, arrivals and weights as functions of time.
resampling        Resampling of clips to another frame rate.
rest_pose         Conversion of rest poses with lowered arms or spread legs to a T-pose.
retarget          Retargeting: joint positions to bone rotations of a skeleton with fixed bone lengths, and
                  forward kinematics.
rotations         Unit quaternions as plain arrays.
self_penetration  Detection of self-penetration, with limbs, trunk and head as capsules.
shrunken_bones    Directions of bones that a network has shrunk: short bones point nowhere for sure.
skeleton          Skeleton definitions: HumanML3D's 22 joints and the 24-bone SMPL armature.
smoothing         Smoothing and interpolation over time, exact at both ends of a clip.
step_measures     Measures of steps: how many a minute, how long, how much of the time in the air, how hard the
                  pelvis bounces.
token_seams       Steps between the tokens of a decoder that makes several frames at once.
torso_fit         Pose of the trunk (pelvis, spine, chest, collars, neck) of a skeleton with fixed bones, from
                  joint positions.
visible_measures  Measures of what a person sees of a motion: facing against travel, feet under the floor,
                  drags, energy, spread.
world_transform   Transforms between world and motion frame, and between Blender's axes and the engine's.
"""
