"""What machines read: the schemas of our documents, and Terraform's form of a plan in the hands of real tools."""
