using UnityEngine;
using UnityEngine.XR;

namespace Genlock.Gallery
{
    /// <summary>Moves the camera with the headset, where there is one: an app's rig has a driver of its own for it.</summary>
    [DefaultExecutionOrder(-2000)]
    public sealed class GalleryHead : MonoBehaviour
    {
        private const float LowestHead = 0.5f;

        private InputDevice _headset;
        private Vector3 _start;
        private Vector3 _origin;
        private bool _isPlaced;
        private float _nextLook;

        private void Awake()
        {
            _start = transform.localPosition;
        }

        private void Update()
        {
            if (!_headset.isValid && Time.unscaledTime >= _nextLook)
            {
                _nextLook = Time.unscaledTime + 1f;
                _headset = InputDevices.GetDeviceAtXRNode(XRNode.Head);
                _isPlaced = false;
            }
            Vector3 position;
            Quaternion rotation;
            if (_headset.isValid && _headset.TryGetFeatureValue(CommonUsages.devicePosition, out position)
                && _headset.TryGetFeatureValue(CommonUsages.deviceRotation, out rotation))
            {
                Place(position);
                transform.localPosition = _origin + position;
                transform.localRotation = rotation;
            }
        }

        /// <summary>Some runtimes measure heights from the floor, others from where the head began.</summary>
        private void Place(Vector3 first)
        {
            if (!_isPlaced)
            {
                _isPlaced = true;
                _origin = first.y > LowestHead ? Vector3.zero : _start;
            }
        }
    }
}
