"""Published checkpoints, statistics and text encoder into a model folder, and their download.

archives           A .zip that checkpoints were handed out in.
checkpoint_files   Checkpoint files (.ckpt, .pt, .safetensors) without PyTorch.
checkpoint_parts   What checkpoints hold, told by names and shapes of their weights, and joined into one model
                   (MODEL.md section 5).
command            `motionlcm import`: published checkpoints on disk into a model folder.
connections        HTTP connections for downloads: which redirects are followed, and which certificates count.
downloads          Files from the net, each whole and as published or not at all.
hard_links         Large files that models side by side have in common are on the disk once, as hard links.
licence            What the published weights may be used for, said before anything is read, and what goes into
                   config.json.
model_import       Published checkpoints, HumanML3D's statistics and sentence-t5 into one model folder, whole or not
                   at all.
official           An official model from what a person has, fetching what is missing if that is wanted, into a
                   folder of models.
self_check         Whether a model folder makes motion.
sentence_t5_files  The text encoder of published models, sentence-t5-large, into a model folder.
source_list        The list of files that can be fetched, `sources.json`.
statistics_files   HumanML3D's normalisation.
unsafe_names       Names that no checkpoint needs and that run commands.
"""
