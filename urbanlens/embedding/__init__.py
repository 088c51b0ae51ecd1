"""Images as points: features, projections to a plane, clusters by look and by place, nearest neighbours."""

from urbanlens.embedding.clusters import (
    NOISE,
    cluster,
    cluster_both,
    cluster_by_boundary,
    cluster_geographic,
    typical,
)
from urbanlens.embedding.features import embed, embed_images, kept_embedding
from urbanlens.embedding.groups import Grouping, Groups, group, group_geojson, group_table, mix
from urbanlens.embedding.nearest import nearest
from urbanlens.embedding.projection import kept_projection, project

__all__ = [
    "NOISE",
    "Grouping",
    "Groups",
    "cluster",
    "cluster_both",
    "cluster_by_boundary",
    "cluster_geographic",
    "embed",
    "embed_images",
    "group",
    "group_geojson",
    "group_table",
    "kept_embedding",
    "kept_projection",
    "mix",
    "nearest",
    "project",
    "typical",
]
