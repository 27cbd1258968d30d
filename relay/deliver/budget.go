package deliver

import "context"

// budget waits for its turn within the rate limits: the lane does, and no handler.
func (d *Deliverer) budget(ctx context.Context, j *job) error {
	if j.line.policy.Budget == nil {
		return nil
	}
	return j.line.policy.Budget(ctx, j.now)
}
