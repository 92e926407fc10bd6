"""What happens: one function per verb, the only writers, for HTTP, console, admin and commands alike."""
