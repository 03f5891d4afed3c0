using System;

namespace Genlock
{
    /// <summary>
    /// Turns interleaved floats of a microphone into 16 kHz mono of 16 bit, with nothing allocated: channels are averaged, and
    /// each sample out is the mean of the samples in that it stands for, which keeps out most of what would fold back; below
    /// 16 kHz the last sample is held.
    /// </summary>
    public sealed class Resampler
    {
        private readonly int _hz;
        private readonly int _channels;
        private double _sum;
        private int _summed;
        private long _phase;
        private short _last;

        /// <summary>For sound of so many samples a second.</summary>
        public Resampler(int hz, int channels)
        {
            if (hz < 1 || channels < 1)
            {
                throw new ArgumentException("a microphone has a rate and channels");
            }
            _hz = hz;
            _channels = channels;
        }

        /// <summary>Turns some sound; what is left over counts for the next.</summary>
        /// <param name="samples">Interleaved, -1 to 1.</param>
        /// <param name="count">How many floats of it.</param>
        /// <param name="pcm">Gets little-endian samples from <paramref name="at"/> on; must have room for <see cref="MostBytes"/>.</param>
        /// <param name="at">Where to begin.</param>
        /// <returns>How many bytes were written.</returns>
        public int Turn(float[] samples, int count, byte[] pcm, int at)
        {
            var begin = at;
            for (var i = 0; i + _channels <= count; i += _channels)
            {
                var mono = 0f;
                for (var channel = 0; channel < _channels; channel++)
                {
                    mono += samples[i + channel];
                }
                _sum += mono / _channels;
                _summed++;
                _phase += Protocol.AudioHz;
                while (_phase >= _hz)
                {
                    _phase -= _hz;
                    if (_summed > 0)
                    {
                        _last = (short)Math.Round(32767.0 * Math.Max(-1.0, Math.Min(1.0, _sum / _summed)));
                        _sum = 0.0;
                        _summed = 0;
                    }
                    pcm[at++] = (byte)_last;
                    pcm[at++] = (byte)(_last >> 8);
                }
            }
            return at - begin;
        }

        /// <summary>The most bytes that so many floats can become.</summary>
        public int MostBytes(int count)
        {
            return 2 * (int)((long)count / _channels * Protocol.AudioHz / _hz + 2);
        }
    }
}
