using System;

namespace Genlock
{
    /// <summary>
    /// How long to wait before connecting again: 250 ms, then twice as long each time up to 8 s, each 0.5 to 1.5 times as
    /// long by chance, so that many headsets do not come back in one moment.
    /// </summary>
    internal sealed class Backoff
    {
        private const double FirstMs = 250.0;
        private const double LongestMs = 8000.0;

        private readonly Random _random;
        private double _next = FirstMs;

        internal Backoff(Random random)
        {
            _random = random;
        }

        /// <summary>The next pause in microseconds, at least as long as the daemon asked for.</summary>
        internal long Next(long retryMs)
        {
            var pause = _next * (0.5 + _random.NextDouble());
            _next = Math.Min(2.0 * _next, LongestMs);
            return (long)(1000.0 * Math.Max(pause, retryMs));
        }

        internal void Reset()
        {
            _next = FirstMs;
        }
    }
}
