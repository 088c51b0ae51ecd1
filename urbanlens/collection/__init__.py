"""The data set on disk: open, validate, safe image decoding, import, regions, splits, export."""

from urbanlens.collection.collection import ImageCollection
from urbanlens.collection.columns import Columns, write_collection
from urbanlens.collection.decoding import MAX_PIXELS, open_ids, open_image, open_thumbnail
from urbanlens.collection.importing import ImportReport, import_images
from urbanlens.collection.library import collections_folder, home, list_collections, store_for
from urbanlens.collection.regions import Region, decode_region, encode_region, read_regions, to_geojson
from urbanlens.collection.validate import CheckReport, check

__all__ = [
    "MAX_PIXELS",
    "CheckReport",
    "Columns",
    "ImageCollection",
    "ImportReport",
    "Region",
    "check",
    "collections_folder",
    "decode_region",
    "encode_region",
    "home",
    "import_images",
    "list_collections",
    "open_ids",
    "open_image",
    "open_thumbnail",
    "read_regions",
    "store_for",
    "to_geojson",
    "write_collection",
]
