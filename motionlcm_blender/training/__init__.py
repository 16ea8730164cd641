"""Training the model: data, VAE, teacher, student, ControlNet. Needs torch and scipy; left out of the zip."""
