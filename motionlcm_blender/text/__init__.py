"""From a prompt to text tokens: the text encoders, and which words the training data has.

encoders           Open the text encoder of a model folder.
minilm_files       Where the files of all-MiniLM-L6-v2 lie, and how they get into the extension's zip.
prompt_vocabulary  What a model has been shown, and whether a prompt asks for more than that.
text_tokens        What the denoiser reads of a prompt: text tokens.
"""
