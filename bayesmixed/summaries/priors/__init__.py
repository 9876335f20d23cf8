"""What priors imply, and how much the answers depend on them."""
