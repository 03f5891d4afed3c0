using System;
using System.Collections.Generic;

namespace Genlock
{
    /// <summary>Collects one example of a gesture, moment by moment, for <see cref="GenlockSession.TeachGestureAsync"/>.</summary>
    public sealed class GestureRecorder
    {
        private readonly List<float> _floats = new List<float>();
        private long _begin = -1;

        /// <summary>How many moments there are.</summary>
        public int Moments { get; private set; }

        /// <summary>A moment of a head, a left or a right.</summary>
        /// <param name="time">Microseconds.</param>
        /// <param name="pose">In the wire's coordinates.</param>
        public void Add(long time, WirePose pose)
        {
            Begin(time);
            Put(pose);
        }

        /// <summary>A moment of a hand's 26 joints.</summary>
        public void Add(long time, WirePose[] joints)
        {
            if (joints.Length != Protocol.Joints)
            {
                throw new ArgumentException("a hand has 26 joints", "joints");
            }
            Begin(time);
            foreach (var joint in joints)
            {
                Put(joint);
            }
        }

        /// <summary>The example; the recorder is empty then.</summary>
        public byte[] Finish()
        {
            var floats = _floats.ToArray();
            var bytes = new byte[4 * floats.Length];
            Buffer.BlockCopy(floats, 0, bytes, 0, bytes.Length);
            _floats.Clear();
            _begin = -1;
            Moments = 0;
            return bytes;
        }

        private void Begin(long time)
        {
            if (_begin < 0)
            {
                _begin = time;
            }
            _floats.Add((time - _begin) / 1e6f);
            Moments++;
        }

        private void Put(WirePose pose)
        {
            _floats.Add(pose.X);
            _floats.Add(pose.Y);
            _floats.Add(pose.Z);
            _floats.Add(pose.Qx);
            _floats.Add(pose.Qy);
            _floats.Add(pose.Qz);
            _floats.Add(pose.Qw);
        }
    }
}
