"""Tables on entry: any frame or text file becomes checked columns of numbers, truth values and labels."""
