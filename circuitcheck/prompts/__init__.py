"""Prompt families: (clean, corrupt) pairs with named token positions, a right and a wrong answer."""
