"""Helpers for files: atomic writes, JSON fields, safetensors, and pickles read as data.

atomic_write       Write a file beside its place, then move it there.
json_fields        Typed fields of a JSON object, each refusal one sentence.
pickle_arrays      Arrays out of a pickle that was read as data.
pickle_reader      Pickles read as data: nothing a file names is imported, looked up or called.
safetensors_files  Arrays in .safetensors files: read whole and checked, written by way of a temporary file.
"""
