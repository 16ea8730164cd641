"""Text encoders, text tokens, and the vocabulary of the training data.

action_kinds       Kinds of actions in prompts: travel, postures, jumps, throws.
action_sequence    The actions that a prompt names one after the other, each as a prompt of its own.
asset_names        Prompts in the form of asset names ("Walk_Injured_LeftLeg_01") as words.
caption_speed      How much the motion of a caption moves, predicted from its sentence vector.
captured_speeds    Body speeds of captured motion by kind.
encoders           Opening of the text encoder of a model folder.
gait               The gait that a prompt names, against the speed of its path.
length_suggestion  How long the action of a prompt takes, from a table of captured durations by verb
                   (`Vocabulary.seconds`).
minilm             The text encoder all-MiniLM-L6-v2 in NumPy: a prompt to token states and a sentence vector.
minilm_files       Files of all-MiniLM-L6-v2: where they are found, and how they are written for the
                   extension's zip.
motion_kinds       Kinds of motion that prompts name, and how much captured motion of each kind moves.
named_hop          The hops on one foot that a prompt names.
named_kick         The kick or knee strike that a prompt names: how high, and with which leg.
named_turn         The turn that a prompt names: to the left by a quarter, around by a half, in degrees.
prompt_library     The prompt library of a model: prompts that were watched and judged right with this model.
prompt_rewriting   Replace prompts in words that a model does not follow by captions that it does well.
prompt_vocabulary  The vocabulary of a model's training captions, and a warning for prompts with unseen words.
repeated_action    Actions that a prompt names several times: jumps, hops, pacing back and forth.
sentence_t5        The text encoder sentence-t5 in NumPy: a prompt to the sentence vector that published
                   models take.
text_tokens        Text tokens: the input of the denoiser for a prompt.
tokenizer_file     The tokenizer of a text encoder, from its file.
torch_encoders     Text encoders through `transformers`: MiniLM for training, sentence-t5-large for official
                   checkpoints.
travel_direction   The direction in which a prompt travels, seen from the figure: forward, backward or
                   sideways.
word_lists         Word lists of English prompts about motion: function words, people, verbs and their
                   synonyms, irregular forms.
"""
