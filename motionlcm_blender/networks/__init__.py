"""The networks without what is around them: sizes, samplers, model folders, and the two runtimes.

architecture       Sizes of a model, as its weights tell them.
backends           The two runtimes behind one interface: torch where it is there, NumPy alone where it is not.
int8_quantization  Matrices in eight bits: whole numbers from -127 to 127 and one scale for each row.
model_folder       A model folder: everything one model is, in files that cannot run code.
noise_schedule     The noise schedule and the samplers' arithmetic (MODEL.md section 3), in NumPy for both runtimes.
parameter_shapes   Names and shapes of every parameter of a model, without building it (the official names, MODEL.md
                   section 5).
samplers           The samplers, written once for both runtimes.
numpy_impl/        The networks in NumPy alone: what runs where PyTorch is absent.
torch_impl/        The networks in PyTorch.
"""
