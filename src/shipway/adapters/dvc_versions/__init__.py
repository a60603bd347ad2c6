"""Data versions kept by DVC and named in git.

`versions` is the adapter; `repository` is the one module that runs DVC, in this process and through `dvc.repo.Repo`, which is not
its documented API: DVC is pinned, and the tests hold it against the `dvc` command line; `cache` reads DVC's cache as plain files.
"""

from shipway.adapters.dvc_versions.versions import DvcVersions

__all__ = ["DvcVersions"]
