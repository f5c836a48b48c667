//! How each family's layers read distances.

use super::super::config::{Convolution, DisentangledConfig};
use super::super::parameters::layer;
use super::{Pass, Site};
use crate::ops::{
    self, Buckets, ConvolutionTensors, Disentangled, Distances, Linear, ProjectedDistances,
    RelativeTable,
};
use burn::tensor::Tensor;

impl Pass<'_> {
    /// How a layer reads distances.
    pub(super) fn distances(&self, index: usize) -> Distances {
        let config = &self.model.config;
        match (&config.disentangled, self.places().distances) {
            (Some(disentangled), Some(table)) => {
                Distances::Disentangled(Box::new(self.disentangled(disentangled, table, index)))
            }
            (None, Some(table)) => Distances::Biased(Box::new(RelativeTable {
                table: self.matrix(table),
                reach: config.max_positions,
            })),
            (_, None) => Distances::Unread,
        }
    }

    fn disentangled(
        &self,
        config: &DisentangledConfig,
        table: usize,
        index: usize,
    ) -> Disentangled {
        let known = self.distances.and_then(|layers| layers.get(index)).cloned();
        let known = known.map(|known| match self.tracked {
            true => known.in_graph(),
            false => known,
        });
        Disentangled {
            projected: known.unwrap_or_else(|| self.projected(config, table, index)),
            buckets: Buckets {
                span: config.span,
                farthest: config.farthest,
                are_logarithmic: config.has_buckets,
            },
        }
    }

    /// What distances look like to each layer, for rows that are passed one by one without dropout; empty where no
    /// layer reads them so.
    pub(super) fn projected_of_layers(&self) -> Vec<ProjectedDistances> {
        let config = &self.model.config;
        let (Some(disentangled), Some(table)) = (&config.disentangled, self.places().distances)
        else {
            return Vec::new();
        };
        let layers = 0..config.layers;
        let projected = |index| self.projected(disentangled, table, index);
        layers.map(projected).collect()
    }

    fn projected(
        &self,
        config: &DisentangledConfig,
        table: usize,
        index: usize,
    ) -> ProjectedDistances {
        let places = self.places();
        let mut distances = self.matrix(table);
        if let Some(norm) = places.distances_norm {
            distances = ops::normalised(distances, &self.norm(norm));
        }
        let dropout = self.dropout(Site::Distances(index), self.model.config.hidden_dropout);
        let first = places.layer(index);
        let shared = config.shares_keys.then(|| self.linear(first + layer::QKV));
        // Of the layer's own two, that of keys comes first, where it is there.
        let own = first + layer::COUNT;
        let behind = own + if config.content_to_position { 2 } else { 0 };
        let projection = |which: usize, own: usize| match &shared {
            Some(all) => part(all, which),
            None => self.linear(own),
        };
        ProjectedDistances::of(
            &ops::drop_rows(distances, dropout),
            config.content_to_position.then(|| projection(1, own)),
            config.position_to_content.then(|| projection(0, behind)),
        )
    }

    /// What follows the first layer: a convolution of the embeddings, where there is one.
    pub(super) fn convolved(&self, embeddings: &Tensor<2>, hidden: Tensor<2>) -> Tensor<2> {
        let config = &self.model.config;
        let convolution = config.disentangled.as_ref().and_then(|c| c.convolution);
        let (Some(convolution), Some(place)) = (convolution, self.places().convolution) else {
            return hidden;
        };
        let Convolution { width, is_gelu } = convolution;
        let size = config.hidden_size;
        let tensors = ConvolutionTensors {
            weight: self.vector(place).reshape([size, size, width]),
            bias: self.vector(place + 1),
            norm: self.norm(place + 2),
            is_gelu,
        };
        let dropout = self.dropout(Site::Convolution, config.hidden_dropout);
        ops::convolved(embeddings, hidden, &tensors, &self.rows, dropout)
    }
}

/// Queries, keys or values of a layer that projects to all three.
fn part(all: &Linear, which: usize) -> Linear {
    let size = all.bias.dims()[0] / 3;
    Linear {
        weight: all.weight.clone().narrow(0, which * size, size),
        bias: all.bias.clone().narrow(0, which * size, size),
    }
}
