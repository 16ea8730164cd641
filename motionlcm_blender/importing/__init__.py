"""Import of published checkpoints, statistics and text encoder to a model folder, and their download.

archives           Unpacking of a .zip with published checkpoints: only the needed files, and nothing outside the
                   target folder.
checkpoint_files   Reading of checkpoint files (.ckpt, .pt, .safetensors) without PyTorch: first the contents,
                   numbers on demand.
checkpoint_parts   Recognition of the model parts in checkpoints by names and shapes, and joining into one model.
command            The command `motionlcm import`: published checkpoints on disk to a model folder.
connections        HTTP connections for downloads: allowed redirects and trusted certificates.
downloads          Downloads: each file is complete and verified, or not there.
hard_links         Hard links between model folders, so that equal large files use disk space once.
licence            Licence of the published weights: the question before the import, and the entries in
                   config.json.
model_import       Import of published checkpoints, HumanML3D's statistics and sentence-t5 to one model folder,
                   atomically.
official           Import of an official model from the user's files, with optional download of missing ones, to a
                   folder of models.
self_check         Test of a model folder: one round trip through the VAE and one sample must be plausible human
                   motion.
sentence_t5_files  Files of sentence-t5-large, the text encoder of published models: weights as safetensors, no
                   pickle.
source_list        The list of files for download, `sources.json`.
source_search      Search of the user's files and folders for checkpoints, statistics and text encoders.
statistics_files   HumanML3D's normalisation: Mean.npy, Std.npy of features, and Mean_raw.npy, Std_raw.npy of
                   joint positions.
unsafe_names       Names in pickles that no checkpoint needs and that run commands.
"""
