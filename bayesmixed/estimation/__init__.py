"""Maximum likelihood: the ways to integrate effects out, from the fastest to the most precise."""
