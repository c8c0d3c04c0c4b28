"""What the header of a part says: facts, features for the model, and the words people wrote."""
