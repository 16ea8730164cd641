"""The default number of sampler steps, apart from `Request`, whose module loads NumPy before --help is printed."""

SAMPLER_STEPS = 4
