using System;

namespace Genlock
{
    /// <summary>
    /// Turns interleaved floats of a microphone into 16 kHz mono of 16 bit, with nothing allocated: channels are averaged, and
    /// what would fold back is kept out, by 60 dB, by a sinc of 32 crossings a side under a Kaiser window (Smith, "Digital Audio
    /// Resampling", ccrma.stanford.edu/~jos/resample). Sound of 16 kHz goes through as it is.
    /// </summary>
    public sealed class Resampler
    {
        private const int Crossings = 32;

        /// <summary>Where the filter is half closed, of what the lower of both rates can hold.</summary>
        private const double Passes = 0.9625;

        /// <summary>Of the window, for 60 dB: 0.1102 (60 - 8.7), Kaiser's formula.</summary>
        private const double Beta = 5.65;

        private readonly int _hz;
        private readonly int _channels;
        private readonly int _half;
        private readonly int _phases;
        private readonly float[] _kernels;

        /// <summary>The newest samples, twice, so that they lie in one piece wherever they begin.</summary>
        private readonly float[] _latest;
        private int _at;

        /// <summary>How many samples must come until the next one out, and how far after the last of these it is, in 1/16000.</summary>
        private long _wait;
        private long _fraction;

        /// <summary>For sound of so many samples a second.</summary>
        public Resampler(int hz, int channels)
        {
            if (hz < 1 || channels < 1)
            {
                throw new ArgumentException("a microphone has a rate and channels");
            }
            _hz = hz;
            _channels = channels;
            if (hz != Protocol.AudioHz)
            {
                var pace = Math.Min(1.0, (double)Protocol.AudioHz / hz);
                _half = (int)Math.Ceiling(Crossings / pace);
                _phases = Protocol.AudioHz / Gcd(hz, Protocol.AudioHz);
                _kernels = Kernels(_half, _phases, Passes * pace);
                _latest = new float[4 * _half];
                _wait = _half + 1;
            }
        }

        /// <summary>How much of the sound that was given has not come out yet, microseconds, because it waits for what follows.</summary>
        public long Delay
        {
            get { return _half * 1000000L / _hz; }
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
                mono /= _channels;
                if (_kernels == null)
                {
                    at = Write(mono, pcm, at);
                    continue;
                }
                _latest[_at] = mono;
                _latest[_at + 2 * _half] = mono;
                _at = (_at + 1) % (2 * _half);
                for (_wait--; _wait <= 0; _wait += _fraction / Protocol.AudioHz, _fraction %= Protocol.AudioHz)
                {
                    at = Write(Between(), pcm, at);
                    _fraction += _hz;
                }
            }
            return at - begin;
        }

        /// <summary>The most bytes that so many floats can become.</summary>
        public int MostBytes(int count)
        {
            return 2 * (int)((long)count / _channels * Protocol.AudioHz / _hz + 2);
        }

        private float Between()
        {
            var kernels = _kernels;
            var latest = _latest;
            var at = _at;
            var kernel = (int)(_fraction * _phases / Protocol.AudioHz) * 2 * _half;
            var end = kernel + 2 * _half;
            var sum = 0f;
            while (kernel < end)
            {
                sum += kernels[kernel++] * latest[at++];
            }
            return sum;
        }

        private static int Gcd(int a, int b)
        {
            return b == 0 ? a : Gcd(b, a % b);
        }

        private static int Write(float sample, byte[] pcm, int at)
        {
            var value = (short)Math.Round(32767.0 * Math.Max(-1f, Math.Min(1f, sample)));
            pcm[at] = (byte)value;
            pcm[at + 1] = (byte)(value >> 8);
            return at + 2;
        }

        /// <summary>For each phase the weights of the samples around it, which sum up to 1.</summary>
        private static float[] Kernels(int half, int phases, double passes)
        {
            var kernels = new float[phases * 2 * half];
            var weights = new double[2 * half];
            for (var phase = 0; phase < phases; phase++)
            {
                var sum = 0.0;
                for (var i = 0; i < weights.Length; i++)
                {
                    var away = i - (half - 1) - (double)phase / phases;
                    var turn = Math.PI * away * passes;
                    var window = Bessel(Beta * Math.Sqrt(Math.Max(0.0, 1.0 - away / half * (away / half))));
                    weights[i] = window * (Math.Abs(turn) < 1e-9 ? 1.0 : Math.Sin(turn) / turn);
                    sum += weights[i];
                }
                for (var i = 0; i < weights.Length; i++)
                {
                    kernels[phase * weights.Length + i] = (float)(weights[i] / sum);
                }
            }
            return kernels;
        }

        /// <summary>The modified Bessel function of the first kind and order 0, by its power series.</summary>
        private static double Bessel(double x)
        {
            var term = 1.0;
            var sum = 1.0;
            for (var k = 1; term > 1e-12 * sum; k++)
            {
                term *= x * x / (4.0 * k * k);
                sum += term;
            }
            return sum;
        }
    }
}
