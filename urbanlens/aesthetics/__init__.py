"""What an aesthetic classifier looks at, the crop it would make, and whether its maps mean anything."""
