"""From a prompt to text tokens: the text encoders, and which words the training data has.

encoders           Open the text encoder of a model folder.
minilm             all-MiniLM-L6-v2 in NumPy: a prompt to token states and a sentence vector.
minilm_files       Where the files of all-MiniLM-L6-v2 lie, and how they get into the extension's zip.
prompt_vocabulary  What a model has been shown, and whether a prompt asks for more than that.
sentence_t5        sentence-t5 in NumPy: a prompt to the sentence vector that published models take.
text_tokens        What the denoiser reads of a prompt: text tokens.
torch_encoders     The text encoders through `transformers`.
word_lists         Word lists of English prompts about motion: function words, people, verbs and their synonyms,
                   irregular forms.
"""
