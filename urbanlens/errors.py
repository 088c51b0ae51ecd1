"""Errors that say what was given, what is allowed, and what to do next."""


class UrbanLensError(Exception):
    """Anything that a user can put right; its text is shown as it stands."""


class CollectionError(UrbanLensError, ValueError):
    """A collection on disk is missing, incomplete or contradicts itself."""


class ImageError(UrbanLensError, ValueError):
    """A file is not an image that can be shown safely."""


class RegionError(UrbanLensError, ValueError):
    """A region is empty, crosses itself or is no region at all."""


class ModelError(UrbanLensError, ValueError):
    """A model's files are missing or do not fit its description."""


class ArtifactError(UrbanLensError, OSError):
    """A kept result is missing or does not fit its manifest."""


class UnknownNameError(UrbanLensError, KeyError):
    """A name that no registry holds."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Cancelled(UrbanLensError):  # noqa: N818 - a wish of the user, not a fault
    """The user asked to stop; what was finished is kept."""
