"""From a request to finished motions: the pipeline `MotionLCM` and its parts.

generated_motion    A motion with the request that it was generated for.
inbetweening        Coming to a given last pose (in-betweening): the way over the floor is bent so that it leads
                    there.
long_motion         Motion longer than the model makes at a time: pieces that go on from one another.
motion_model        `MotionModel`: the loaded networks, from a request to features, without any post-processing.
noise_optimization  Refine: choose the start noise so that the network itself meets the hints (PyTorch only).
pipeline            `MotionLCM`: the pipeline from a request to finished motions.
postprocessing      Post-processing: from the joints of the networks to a finished motion, as a list of named steps.
request             What is asked of the model: a prompt, a length, a seed, and positions to pass through.
variations          Takes out of takes: towards another seed, mirrored, faster or slower.
"""
