"""Gestures and actions of arms and head: defined by a few poses, found in prompts, and performed on a motion.

definitions      Definitions of gestures, read from gestures.toml and actions.toml.
gesture_layer    The gestures that a prompt names, performed on the motion that the network made of it.
performance      Move arms, head, trunk and shoulders of a motion through the poses of a gesture.
prompt_gestures  The gestures that a prompt names, their side, and their part of the motion.
"""
