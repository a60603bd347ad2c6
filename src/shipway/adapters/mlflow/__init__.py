"""MLflow: runs, models, the registry. `import mlflow` is the library; it costs seconds, so only functions import it."""
