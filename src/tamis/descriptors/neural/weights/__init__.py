"""Where the weights of backbones come from: a package, a file, or the Hugging Face hub."""
