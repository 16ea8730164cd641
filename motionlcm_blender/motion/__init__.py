"""Motion as arrays: skeleton, rotations, features, retargeting, paths, metrics.

banded_solver     Linear systems of long motion.
body_fit          Motion of any actor and capture system onto one skeleton, trunk included.
bvh               Clips as Biovision hierarchy (BVH) files, the text format that animation programs exchange motion
                  in.
elbow_prior       Which way a nearly straight arm would bend: what captured people do, as a linear guess.
euler_angles      XYZ Euler angles and quaternions.
features          HumanML3D's 263 motion features, both ways (Guo et al., CVPR 2022; 20 fps, metres, Y up).
foot_contacts     When feet stand: the model's contact channels, checked against height and speed, with hysteresis.
ground_path       Paths on the floor: drawn, loaded or named, and where along them the figure is on each frame.
head_hands        How the head turns on the chest and the hands on the forearms, which 22 joint positions cannot
                  express.
head_pose         World rotations of neck, head and hands: from a model that says them, else what captured heads do.
loops             Motion that can be repeated, and where its travel goes.
metrics           Numbers that tell how good a motion is: does it keep to its path, do its feet slide, is it smooth.
motion            The two forms in which motion travels: `Motion` (joint positions) and `Clip` (bone rotations).
resampling        Clips at another frame rate.
rest_pose         Rest poses that are no T-pose.
retarget          From joint positions to bone rotations of a skeleton with fixed bone lengths, and back.
rotations         Unit quaternions as plain arrays.
self_penetration  Does the figure run through itself: limbs, trunk and head as capsules.
skeleton          The skeletons: HumanML3D's 22 joints and the 24-bone SMPL armature.
smoothing         Smoothing over time, exact at both ends of a clip.
torso_fit         The trunk of a skeleton with fixed bones, made to follow joint positions.
world_transform   Between the scene and the model: where the motion starts and heads, and Blender's axes.
"""
