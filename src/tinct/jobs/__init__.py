"""Work on many photographs: resumable batches, their reports and reviews, results made again."""
