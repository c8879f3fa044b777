"""Reading answers: the choice, number, formula, program or boolean in a response, and the meaning of a ground truth."""
