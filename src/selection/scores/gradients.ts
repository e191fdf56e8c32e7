/** What the gradient scores read: squared norms by layer, of the loss of a linear classifier fitted on top, over a sample of inputs. */

/** Of one batch. */
export interface LayerGradients {
  /** [layers]: ‖∇‖² by all of the layer's parameters, of the batch's mean loss. */
  gradients: ArrayLike<number>;
  /** [layers]: ‖θ‖² of the layer's parameters. */
  weights: ArrayLike<number>;
}
