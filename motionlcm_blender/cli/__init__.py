"""The command line, `motionlcm`: one file for each command.

bench          The command `motionlcm bench`.
generate       The command `motionlcm generate`.
information    The command `motionlcm info`: the model, its licence, and the devices of this machine.
main           The command line of the engine.
progress       Progress line and exit codes of the command line.
sampler_steps  The default number of sampler steps, apart from `Request`, whose module loads NumPy before --help is
               printed.
storyboard     The command `motionlcm storyboard`.
training       Access to the modules of the training, which an installation may lack.
"""
