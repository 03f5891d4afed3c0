using System;

namespace Genlock
{
    /// <summary>What the gate says of a piece of sound.</summary>
    public enum Speech
    {
        /// <summary>Nobody speaks.</summary>
        Silent,

        /// <summary>Send it.</summary>
        Speaking,

        /// <summary>Send it as the last.</summary>
        Ended,
    }

    /// <summary>
    /// Says by loudness whether somebody speaks: louder than the threshold and than three times the noise there is; it stays
    /// open until it was quiet for a while.
    /// </summary>
    public sealed class SpeechGate
    {
        private const float OverNoise = 3f;
        private const float NoiseRises = 0.01f;
        private const float NoiseFalls = 0.5f;

        private float _noise;
        private int _quietMs;
        private bool _open;

        /// <param name="threshold">Root mean square of samples of -1 to 1.</param>
        /// <param name="hangMs">How long quiet lasts until speech is over.</param>
        public SpeechGate(float threshold, int hangMs)
        {
            Threshold = threshold;
            HangMs = hangMs;
        }

        /// <summary>Root mean square of samples of -1 to 1.</summary>
        public float Threshold { get; set; }

        /// <summary>How long quiet lasts until speech is over.</summary>
        public int HangMs { get; set; }

        /// <summary>How loud the last piece was, root mean square of samples of -1 to 1.</summary>
        public float Level { get; private set; }

        /// <summary>The next piece of 16 bit little-endian samples at 16 kHz.</summary>
        public Speech Take(byte[] pcm, int offset, int count)
        {
            Level = Loudness(pcm, offset, count);
            var loud = Level > Threshold && Level > OverNoise * _noise;
            // Speech has gaps in which the noise shows; what has none is noise, and counts as such after some seconds.
            _noise += (Level > _noise ? NoiseRises : NoiseFalls) * (Level - _noise);
            if (loud)
            {
                _open = true;
                _quietMs = 0;
                return Speech.Speaking;
            }
            if (!_open)
            {
                return Speech.Silent;
            }
            _quietMs += count / 2 * 1000 / Protocol.AudioHz;
            if (_quietMs < HangMs)
            {
                return Speech.Speaking;
            }
            _open = false;
            return Speech.Ended;
        }

        private static float Loudness(byte[] pcm, int offset, int count)
        {
            var sum = 0.0;
            for (var i = offset; i + 1 < offset + count; i += 2)
            {
                var sample = (short)(pcm[i] | pcm[i + 1] << 8) / 32768.0;
                sum += sample * sample;
            }
            return count < 2 ? 0f : (float)Math.Sqrt(sum / (count / 2));
        }
    }
}
