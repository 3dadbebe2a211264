"""What generated code imports: operations, the executor protocol, batching."""
