"""The settings that stay: the user's and the project's files, and the notifications that they ask for."""
