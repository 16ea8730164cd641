"""Helpers for files: atomic writes, JSON fields, safetensors, and pickles read as data.

atomic_write       Atomic writing of files: readers see the old content or the new, never a part.
file_kinds         Recognise by its first bytes a file whose content does not fit its name.
file_locks         Locks of files that end with their process, and notes that remain after a crash.
json_fields        Typed access to the fields of a JSON object, with one sentence for each error.
npz_arrays         Arrays from .npz files, read without pickles and with limits of size.
pickle_arrays      Arrays from a pickle that was read as data: NumPy's, and those of chumpy and SciPy in body
                   models.
pickle_reader      Reading of pickles as data: nothing that a file names is imported, looked up or called.
safetensors_files  Arrays in .safetensors files: read completely and checked, written atomically.
user_file          Reading of a whole file that a person chose.
"""
