"""What the figures of class-incremental runs are called, and what they mean."""

NAMES = {
    "ncm_all": "nearest class mean, all classes",
    "ncm_base": "base classes",
    "ncm_new": "newest classes",
    "ncm_real": "real class means",
    "omega_base_per_experience": "omega base, per experience",
    "omega_all_per_experience": "omega all, per experience",
    "average_incremental_accuracy_tasks": "average incremental accuracy, by experience",
    "base_slope": "slope of base classes",
    "old_slope": "slope of old classes",
    "svm_accuracy": "linear SVM",
}
"""Metric -> its name, where that is not the key in words."""

MEANINGS = {
    "ncm_all": "share of test images of all classes whose nearest prototype is that of their "
    "class, after the last experience",
    "ncm_base": "the same on the images of the first experience's classes",
    "ncm_new": "the same on the images of the last experience's classes",
    "ncm_real": "the same with the means of the real training images of all classes, which no "
    "strategy keeps",
    "omega_base": "mean over later experiences of the accuracy on the base classes, divided by "
    "what joint training reaches on them",
    "omega_new": "mean over later experiences of the accuracy on the classes just learnt",
    "omega_all": "mean over later experiences of the accuracy on all seen classes, divided by "
    "what joint training reaches on the base classes",
    "omega_base_per_experience": "omega base, divided by the accuracy of the joint network of the "
    "same experience on all classes seen by then",
    "omega_all_per_experience": "omega all, divided by the accuracy of the joint network of the "
    "same experience; 1 is as good as joint training",
    "average_incremental_accuracy": "mean over experiences of the accuracy on all seen classes",
    "average_incremental_accuracy_tasks": "the same with every experience counted once",
    "forgetting": "mean over earlier experiences of their best accuracy minus the last one",
    "forgetting_first": "mean over earlier experiences of their first accuracy minus the last one",
    "backward_transfer": "minus the line above: how later experiences change earlier ones",
    "base_slope": "percentage points that the accuracy on base classes gains per experience",
    "old_slope": "the same of all classes that came before",
    "svm_accuracy": "share of test images named rightly by a linear SVM on the embeddings, fitted "
    "on the other folds",
    "old_mean_drift": "Euclidean way that old classes' real means went in the last experience",
    "old_purity": "share of the nearest neighbours of old classes' images that are of their own "
    "class",
    "intrusion": "share of new images whose nearest prototype is that of an old class",
    "origin_probe": "how often a linear probe tells generated from real activations; 50 % by "
    "chance",
}
"""Metric -> one clause that says what it is."""
