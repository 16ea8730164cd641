"""From a request to finished motions: the pipeline `MotionLCM` and its parts.

action_joining      Motion of several actions one after the other: free takes of each, joined.
action_parts        Which frames of a motion belong to which of the actions that its prompt names.
action_steps        Steps of the post-processing that complete actions which the prompt names: kicks, hops on one
                    foot, gestures.
caption_liveliness  Scales the noise of the sampler by how much motion of a caption usually moves.
generated_motion    A motion with the request that it was generated for.
inbetweening        In-betweening: bend the trajectory over the floor so that it leads to a given last pose.
initial_noise       The noise that a take is sampled from; equal on every device.
long_motion         Motion longer than the model's limit, or that goes on from another: stitched free takes.
motion_model        `MotionModel`: the loaded networks, from a request to features, without post-processing.
motion_state        The motion between two steps of the post-processing, and the input of all steps.
noise_optimization  Noise optimization (DNO): search for initial noise whose motion meets the hints by itself
                    (PyTorch only).
path_gait           Walks and runs on a path: sampled without the path, and played so that their steps fit its
                    speed.
pieces              Sampled frames that are joined to one motion.
pin_approach        Far pins: a ground path on which the character walks to pins that its motion does not come
                    near.
pipeline            `MotionLCM`: the pipeline from a request to finished motions.
plain_body          The plain prompt for a body on which gestures, kicks and hops of the user's prompt are completed.
postprocessing      Post-processing: from the joints of the networks to a finished motion, as a list of named
                    steps.
prompt_path         Prompts that name the shape of a path: the motion follows such a path.
prompt_rewriter     The text that the network gets for a request, by the rewrites of the model folder.
request             Requests to the model: prompt, length, seed, and positions to pass through.
sample_cache        Walks that were sampled without their path, kept for requests that differ in their path alone.
straight_path       The drawn path as the network sees it: straight, with the progress of the drawn one.
take_selection      Takes worth choosing among: of more samples than takes, those that differ most.
variations          Variations of takes: towards another seed, mirrored, faster or slower.
"""
