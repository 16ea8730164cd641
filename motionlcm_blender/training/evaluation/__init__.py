"""Measurements of a model against captured motion.

caption_states      MiniLM's states of captions for the evaluator.
card                The results in a model card.
command             `motionlcm evaluate`.
control_metrics     How well the motion passes through the positions it was given: OmniControl's measures.
detector_agreement  Do the detectors see what the captions describe? Agreement with captured motion whose captions are
                    clear.
energy_section      The section `energy`.
evaluate            One evaluation from start to end: opens what is needed, repeats each section, writes after each.
evaluation_prompts  All prompts of the evaluation, which training captions avoid.
evaluator           The evaluator.
evaluator_training  Training of the evaluator on the train clips, by a contrastive loss.
generation          Motions for lists of captions, in batches, straight from the networks.
held_out_motions    Captured motion to measure against.
humanml             The published protocol on HumanML3D, for official checkpoints and those who have the data set
                    and its evaluators.
humanml_data        HumanML3D's test set and word vectors as they lie on disk, read without running anything that is
                    in the files.
humanml_networks    HumanML3D's evaluator networks (Guo et al., CVPR 2022), so that their published weights load by
                    name.
library             Make the prompt library of a model: candidates in, strips out; verdicts in, prompts.json out.
long_section        The section `long`: is the last third of a long motion as lively as the first?
lookup              The baseline that generates nothing.
measured_model      What the measures need of a model; `MotionLCM` has it.
motion_measures     Measures of a motion that agree with what a person sees.
obedience           Obedience: prompts that differ in one word, found in the motion by
                    `detectors`.
obedience_words     More words to be obeyed.
path_section        The section `paths`.
pose_pictures       A take as a picture.
quality_metrics     How the generated motion moves, beside captured motion of the same captions and lengths.
reconstruction      How well the VAE keeps a motion: the mean joint error (MPJPE) of what comes back.
report              The results as Markdown: goals first, then what a person sees, at the end the usual table for
                    text.
results             Figures of several repeats as mean and interval, and the file they are kept in.
retarget_metrics    Retargeting against the truth.
segment_flags       The fields of a segment in captions.jsonl beside its captions.
spread_section      How much eight takes of one prompt differ, beside how much captured motions with the same
                    caption differ.
style_detectors     How a motion is done, from its joints.
text_metrics        The field's measures of text-to-motion, on embeddings of an evaluator.
text_section        The section `text`: every row of the usual table, once for each repeat.
watch_strips        Strips of the watched prompts, to be judged by eye.
watched             The watched list: prompts that a person judges on strips, and the verdicts.
"""
