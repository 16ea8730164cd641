"""Characters added to a scene: the mannequin, and bodies of SMPL files."""

REGISTERED: tuple[str, ...] = ("add_character", "add_smpl_body")
"""Modules with classes or properties, in the order of registration."""
