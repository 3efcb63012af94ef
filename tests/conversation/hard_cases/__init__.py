"""The twelve hard cases of durable conversations, each by name, each as a member lives it."""
