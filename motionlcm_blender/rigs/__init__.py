"""Any humanoid armature: what its bones are, which of them turn as SMPL's joints do.

description   an armature as plain data, and what was recognised in it
"""
