"""The command line, `motionlcm`: one file for each command.

bench          The command `motionlcm bench`.
convert        The command `motionlcm convert`: SMPL parameters to other files, and the reverse.
generate       The command `motionlcm generate`.
information    The command `motionlcm info`: the model, its licence, and the devices of this machine.
layout_options Options of commands that write motions: plain arrays, or SMPL parameters in a layout.
main           The command line of the engine.
progress       Progress line and exit codes of the command line.
sampler_steps  The default number of sampler steps, apart from `Request`, whose module loads NumPy before --help is
               printed.
storyboard     The command `motionlcm storyboard`.
training       Access to the modules of the training, which an installation may lack.
"""
