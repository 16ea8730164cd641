"""The command line, `motionlcm`: one file for each command.

bench        `motionlcm bench`.
generate     `motionlcm generate`.
information  `motionlcm info`: what a model is, whose it is, and what this machine can run it on.
main         The command line.
progress     The progress line and the exit codes of the command line.
storyboard   `motionlcm storyboard`.
training     Modules of the training, which an installation may lack.
"""
