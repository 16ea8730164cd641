"""Networks, samplers, model folders, and the two backends (PyTorch and NumPy).

architecture       Sizes of a model, inferred from its weights.
backends           The two backends behind one interface: PyTorch where it is installed, else NumPy.
int8_quantization  Quantization of matrices to int8 with one scale per row.
model_folder       The model folder: all files of one model, in formats that cannot run code.
noise_schedule     Noise schedule and embeddings of the samplers (docs/MODEL.md section 3), in NumPy for both
                   backends.
parameter_shapes   Names and shapes of all parameters of a model, without building it (the official names,
                   docs/MODEL.md section 5).
samplers           Samplers for both backends: arrays may be NumPy's or PyTorch's (docs/MODEL.md section 3).
numpy_impl/        The networks in NumPy, for installations without PyTorch.
torch_impl/        The networks in PyTorch.
"""
